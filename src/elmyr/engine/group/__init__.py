"""What several processes, or several devices, ask of one run."""
