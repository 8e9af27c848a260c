"""Live check: tests whether a living person is in front of this camera now.

`challenge` draws what is asked, `reading` measures each camera frame, and `verification` gives the
result from both. `light` and `movement` are the two ways to ask and can be replaced one by one;
`passive` examines the frames whatever was asked.
"""
