"""Makes the tables, users and sessions, and leaves refresh tokens and an access token."""

import os
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "site_settings"
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import transaction  # noqa: E402
from rest_framework_simplejwt.tokens import RefreshToken  # noqa: E402

count, directory = int(sys.argv[1]), sys.argv[2]
call_command("migrate", verbosity=0)
with transaction.atomic(), open(f"{directory}/tokens", "w", encoding="ascii") as tokens:
    for number in range(count):
        user = User.objects.create(
            username=f"person{number}", email=f"person{number}@example.com", password="!"
        )
        token = RefreshToken.for_user(user)
        tokens.write(f"{token}\n")
with open(f"{directory}/access", "w", encoding="ascii") as access:
    access.write(str(token.access_token))
