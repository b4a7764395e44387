"""Ends a test program as skipped where PyTorch or its Gloo is not there."""

import sys

try:
    import torch.distributed

    if not torch.distributed.is_gloo_available():
        raise ImportError("PyTorch was built without Gloo")
except (ImportError, AttributeError) as missing:
    print(f"skipped: {missing} (Debian: python3-torch)")
    sys.exit(77)
