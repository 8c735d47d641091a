package codec

// Detect returns the first codec of among that [Codec.Match] says data may
// belong to, or nil if there is none.
func Detect(data []byte, among ...Codec) Codec {
	for _, c := range among {
		if c.Match(data) {
			return c
		}
	}
	return nil
}
