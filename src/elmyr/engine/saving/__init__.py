"""What a run leaves on the disk: its directory, checkpoints, log and config."""
