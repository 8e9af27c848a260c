"""The live check: is a living person in front of this camera, now?

`challenge` draws what is asked, `reading` measures each camera frame, `verification` answers from
both. `light` and `movement` are the two ways to ask and can be replaced one by one; `passive` looks
at the frames whatever was asked.
"""
