"""What people see: the command line and the pictures."""

import data  # noqa: F401  # sets how OpenMP's threads wait, before torch is loaded
