package bench

import (
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v3"
)

// bareTargets have no sessions at all: they show what of the time of an
// untouched request is the framework's.
func bareTargets() []target {
	return []target{
		{store: "none", lib: "nethttp", only: pageUntouched, open: func(testing.TB, size) app {
			return pages{pageUntouched: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(yes) })}
		}},
		{store: "none", lib: "gin", only: pageUntouched, open: func(testing.TB, size) app {
			engine := newGin()
			engine.GET(string(pageUntouched), func(c *gin.Context) { c.Writer.Write(yes) })
			return pages{pageUntouched: engine}
		}},
		{store: "none", lib: "fiber", only: pageUntouched, open: func(testing.TB, size) app {
			router := fiber.New()
			router.Get(string(pageUntouched), func(c fiber.Ctx) error { return c.Send(yes) })
			return fastApp(router.Handler())
		}},
	}
}
