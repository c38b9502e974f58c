"""A classifier behind HTTP: an API for programs, and a page for people.

server.py     the process: its socket, its signals, how it ends
app.py        the routes
door.py       whose pages may ask
uploads.py    a request's body becomes images, within the limits
limits.py     what is allowed, and how much is being worked on
batching.py   images of many requests are computed together, in one thread
pictures.py   where the network looked, as a picture
about.py      what `GET /model` says
schema.py     what the API's documents say of its answers
refusals.py   every error has the same form
encoding.py   JSON that may name what is no UTF-8
page/         the page: no build step, nothing from the network
"""
