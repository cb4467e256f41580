"""`alarmpost flash`: the firmware and a configuration onto a board, whatever the power does."""
