package pickle

import "encoding/binary"

// Protocol 4 divides a pickle into frames, so that a reader of a stream knows
// how much to read at once. The sizes are CPython's.
const (
	frameHeader = 9       // opFrame and eight bytes for the length
	frameMin    = 4       // a shorter one is not worth a header
	frameTarget = 1 << 16 // a frame ends at the first value after so many bytes
)

// What frame is while no frame is open.
const (
	noFrame  = -1 // the next instruction opens one
	unframed = -2 // no instruction opens one
)

// openFrame makes room for the header of a frame, unless one is open.
func (w *writer) openFrame() {
	if w.frame != noFrame {
		return
	}
	w.frame = len(w.out)
	w.out = append(w.out, make([]byte, frameHeader)...)
}

// splitFrame closes the frame if it is long enough. It is called between
// values.
func (w *writer) splitFrame() {
	if w.frame >= 0 && len(w.out)-w.frame-frameHeader >= frameTarget {
		w.closeFrame()
	}
}

// closeFrame writes the header of the open frame, or takes it out again.
func (w *writer) closeFrame() {
	if w.frame < 0 {
		return
	}
	body := w.out[w.frame+frameHeader:]
	if len(body) >= frameMin {
		w.out[w.frame] = opFrame
		binary.LittleEndian.PutUint64(w.out[w.frame+1:], uint64(len(body)))
	} else {
		w.out = append(w.out[:w.frame], body...)
	}
	w.frame = noFrame
}

// payload writes an instruction with its length and its bytes; long ones stand
// outside of frames.
func (w *writer) payload(header []byte, data string) {
	old := w.frame
	if len(data) >= frameTarget && old != unframed {
		w.closeFrame()
		w.frame = unframed
	}
	w.op(header[0], header[1:]...)
	w.out = append(w.out, data...)
	if len(data) >= frameTarget && old != unframed {
		w.frame = noFrame
	}
}
