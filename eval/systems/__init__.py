"""What this project is compared with: one file a system."""
