"""``python -m jitportal.envelopes``: seals, opens and drills, where nothing else of the portal is."""

import sys

from jitportal.envelopes.command import main

sys.exit(main())
