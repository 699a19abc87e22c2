package config

import "os"

// checkOwner has nothing to check yet: the mode bits that Go shows on Windows
// say nothing about who may write.
func checkOwner(*os.File) error { return nil }

// tooOpen: see checkOwner.
func tooOpen(os.FileInfo) bool { return false }
