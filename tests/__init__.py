"""What each part promises."""

import trajvlm  # noqa: F401  # sets how OpenMP's threads wait, before torch is loaded
