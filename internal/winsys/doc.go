// Package winsys is what several rooms need of Windows: its command processor
// ([Shell]) and who may read or write a file ([Stranger]). On other systems it
// is empty.
package winsys
