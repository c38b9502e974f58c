"""Serving a classifier over HTTP: an API and a web page.

server.py     the process: socket, signals, shutdown
app.py        the routes
access.py     who may send requests
uploads.py    from a request's body to image files, within the limits
reading.py    from an image file to inputs of the network: the whole image, or detected regions
limits.py     limits, and how much of them is in use
batching.py   batches of images from many requests, computed in one thread
overlay.py    activation maps as pictures
about.py      the content of `GET /model`
schema.py     the schema of the API
api_error.py  errors, all in one form
encoding.py   JSON with names that are not UTF-8
page/         the web page: no build step, nothing loaded from elsewhere
"""
