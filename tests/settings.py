"""The product's own settings; only what would make tests slow or talkative differs."""

import os
from copy import deepcopy

from veza.settings import *  # noqa: F403
from veza.settings import CACHES, DATABASES, REDIS_URL

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = ["*"]

# A busy machine must not make a test do in the process what belongs into Redis.
RATE_LIMIT_TIMEOUT_S = 5
ROOM_STATE_TIMEOUT_S = 5

# Facts drop what is cached when they are committed, and most tests commit nothing: it is turned on
# where it is tested (tests/veza/caching).
CACHE_TTL_S = 0
if REDIS_URL:
    CACHES = deepcopy(CACHES)
    CACHES["default"]["OPTIONS"] |= {"socket_timeout": 5, "socket_connect_timeout": 5}

# Runs side by side differ by their database, parallel processes of one run by their number.
REDIS_NAMESPACE = f"{DATABASES['default']['NAME']}-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"

# Files of one test are no concern of another, and leave nothing behind.
OBJECT_STORAGE_BACKEND = "veza.integrations.object_storage.memory.MemoryObjectStorage"
UPLOAD_STORAGE_BACKEND = "veza.integrations.upload_storage.memory.MemoryUploadStorage"
