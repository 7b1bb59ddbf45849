package store

// StopAt calls a function at every point where something has changed on disk.
func (s *Files) StopAt(step func(point string)) { s.step = step }
