"""Tools and agents over the describer; empty until they exist."""
