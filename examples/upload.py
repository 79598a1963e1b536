"""Upload files into a bucket of the local cloud: `eval "$(python -m emulator env)"`, then `upload.py BUCKET FILE…`."""

import os
import sys
from pathlib import Path

import oss2

bucket_name, *files = sys.argv[1:] or sys.exit(__doc__)
auth = oss2.AuthV4(os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"], os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"])
bucket = oss2.Bucket(auth, os.environ["OSS_ENDPOINT"], bucket_name, region=os.environ["ALIBABA_CLOUD_REGION"])
for file in files:
    bucket.put_object_from_file(Path(file).name, file)
    print(f"oss://{bucket_name}/{Path(file).name}")  # noqa: T201 - a script's output
