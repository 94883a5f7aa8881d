"""Files and caches: downloaded, decoded once, whole or absent."""
