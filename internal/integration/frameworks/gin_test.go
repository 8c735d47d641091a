package frameworks_test

import (
	"fmt"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/cloakroom/cloakroom"
)

func init() { gin.SetMode(gin.ReleaseMode) }

func ginAround(m *cloakroom.Manager) http.Handler {
	e := gin.New()
	e.Use(gin.RecoveryWithWriter(io.Discard), func(c *gin.Context) {
		c.Next()
		if err := c.Errors.Last(); err != nil {
			refused(c.Writer, c.Request, err.Err)
		}
	})
	for path, handler := range paths {
		if path == "/events" {
			e.GET(path, ginEvents)
			continue
		}
		e.GET(path, gin.WrapF(handler))
	}
	e.GET("/pay", func(c *gin.Context) { c.Error(errPay) })
	return m.Handler(e)
}

// ginEvents writes the same events by gin's own Stream.
func ginEvents(c *gin.Context) {
	s := cloakroom.From(c.Request)
	i := 0
	c.Stream(func(w io.Writer) bool {
		s.Set("streamed", i)
		fmt.Fprintf(w, "data: %d\n\n", i)
		i++
		return i < 3
	})
}
