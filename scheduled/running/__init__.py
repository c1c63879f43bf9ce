"""What stands around a job while it runs: its output caught, its time bounded, the process put back."""
