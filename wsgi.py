"""The application for gunicorn and for `flask`."""

from webapp import create_app, logs

logs.configure()
app = create_app()
