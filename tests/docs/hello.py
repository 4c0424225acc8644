"""The least that gunicorn can load."""


def app(environ, start_response):
    start_response("200 OK", [])
    return [b""]
