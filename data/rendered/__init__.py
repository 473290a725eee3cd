"""The simulated world: shapes, motions, scenes of several movers, and the moving layer as truth."""
