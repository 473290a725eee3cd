"""Video files as people have them: suites of them, drawn at full resolution, with the truth beside them."""
