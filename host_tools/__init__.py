"""The host's side of alarmpost: everything here runs on a PC under CPython."""
