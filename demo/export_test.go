package demo

// LoadFrom loads other files than those embedded; Files are the embedded ones.
var (
	LoadFrom = load
	Files    = files
)
