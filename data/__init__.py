"""The world: motions, cameras, rendered clips, and filmed videos made canonical."""
