"""The world: trajectories, cameras, rendered clips, and real videos made canonical."""
