"""The two processes that open strangers' media, and the service's end of the pipe to each.

`judge` decodes and judges one file, `judging` is its other end; `live_reader` decodes the camera
frames of live checks, `live_reading` is its other end. `unmask.sandbox` confines both. Nothing here
knows the database.
"""
