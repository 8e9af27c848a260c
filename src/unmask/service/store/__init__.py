"""All permanent data: tables and their migrations, the database, the object storage, the job queue.

`Service` holds the settings, the database and the storage of one process; all layers above are
given one.
"""
