"""An invented municipality to try everything in: Fjordvik, its people, its children and some sixty stories.

Nobody here exists. National ids are of the synthetic kind (month + 80), which no living person can have.
"""
