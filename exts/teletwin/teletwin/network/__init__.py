"""Small networks that training leaves behind: their layers, their file and their evaluation with numpy alone."""
