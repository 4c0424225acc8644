"""The application for gunicorn and for `flask`."""

from webapp import create_app, logs
from webapp.config import AppConfig

settings = AppConfig()
logs.configure(settings.log_format)
app = create_app(settings)
