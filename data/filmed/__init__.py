"""Videos that people filmed: decoded, registered, and the one moving object found in them."""
