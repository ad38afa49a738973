"""Where uploaded pictures of people lie."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0010_social_identities"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="avatar_prefix",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Where the uploaded picture lies; avatar_url is then its address as of that time",
                max_length=100,
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="banner_prefix",
            field=models.CharField(blank=True, db_default="", default="", max_length=100),
        ),
    ]
