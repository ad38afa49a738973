"""The product's own settings; only what would make tests slow or talkative differs."""

import os

from veza.settings import *  # noqa: F403
from veza.settings import DATABASES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = ["*"]

# A busy machine must not make a test count in the process instead of in Redis.
RATE_LIMIT_TIMEOUT_S = 5

# Facts drop what is cached when they are committed, and most tests commit nothing: it is turned on
# where it is tested (tests/veza/caching).
CACHE_TTL_S = 0

# Runs side by side differ by their database, parallel processes of one run by their number.
REDIS_NAMESPACE = f"{DATABASES['default']['NAME']}-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"

# Files of one test are no concern of another, and leave nothing behind.
OBJECT_STORAGE_BACKEND = "veza.integrations.object_storage.memory.MemoryObjectStorage"
UPLOAD_STORAGE_BACKEND = "veza.integrations.upload_storage.memory.MemoryUploadStorage"
