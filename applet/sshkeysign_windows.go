package applet

import "github.com/nacre-ssh/nacre/applet/door"

func keysignDoors() []door.Door { return nil }
