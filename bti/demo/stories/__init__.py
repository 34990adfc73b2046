"""The stories of Fjordvik, by theme. Each is told from its first wonder to where it stands today."""
