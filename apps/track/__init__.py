"""Recordings, from the upload to the listener.

Owns uploads, versions, scanning, probing, transcoding, HLS, waveforms, playlists, likes of tracks
and the collaborators of a track. Does not own sales (marketplace) nor plays (analytics).
"""
