"""Simulator of the live check from physics: heads, skin, screens, rooms, cameras and attacks.

The picture of a scene is linear in its lights, so each session renders one picture per light, and
every frame is a sum of them through the camera.

    head.py        the surface of a head: points, normals, colour
    light.py       the light of a screen's quarters and a room at each point, one basis per light
    camera.py      sensor noise, exposure and white balance, tone, 8 bit, JPEG; when frames come
    scene.py       who sits where, in front of what: drawn at random
    species.py     honest persons and attacks on the challenge by light
    moves.py       honest persons and attacks on the challenge by movement
    trial.py       one session: frames, or cells alone, to the outcome
    retimed.py     a recording of another check, held and hurried until it fits
    sessions.py    many sessions, side by side, each recorded
    report.py      their rates with intervals, tables and a plot
    taught.py      the network of `unmask.live.shape`, trained on sessions of its own

Units: m, s, cd/m2, lux. Camera at the origin, x to the picture's right, y down, z away from it; a
person looks along -z, so the person's left is +x. Light is in linear sRGB primaries whose weighted
sum `LUMINANCE` is the photometric unit.
"""
