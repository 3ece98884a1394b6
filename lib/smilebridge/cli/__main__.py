"""`python -m smilebridge.cli` is `smilebridge`."""

import sys

from . import main

sys.exit(main())
