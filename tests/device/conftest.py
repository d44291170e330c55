"""These tests need a process in which the plugin has registered the device: `make device`."""

import sys

collect_ignore_glob = [] if "tests.device.on_device" in sys.modules else ["*.py"]
