package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/cloakroom/cloakroom/store"
)

// sparing is a server that answers for so many items at a time, and holds the
// others back.
type sparing struct {
	Client
	answers []int // of one request after another; those that follow are answered in full
	asked   []int // for how many items
}

func (c *sparing) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	request := *in
	request.RequestItems = map[string]types.KeysAndAttributes{}
	unprocessed := map[string]types.KeysAndAttributes{}
	for table, items := range in.RequestItems {
		if !*items.ConsistentRead {
			return nil, errors.New("a read that is not consistent")
		}
		c.asked = append(c.asked, len(items.Keys))
		n := len(items.Keys)
		if len(c.answers) > 0 {
			n, c.answers = min(n, c.answers[0]), c.answers[1:]
		}
		if n < len(items.Keys) {
			rest := items
			rest.Keys = items.Keys[n:]
			unprocessed[table] = rest
		}
		items.Keys = items.Keys[:n]
		request.RequestItems[table] = items
		if n == 0 {
			return &dynamodb.BatchGetItemOutput{UnprocessedKeys: unprocessed}, nil
		}
	}
	out, err := c.Client.BatchGetItem(ctx, &request, o...)
	if err == nil && len(unprocessed) > 0 {
		out.UnprocessedKeys = unprocessed
	}
	return out, err
}

func TestLoadAllAsksAgainForWhatIsHeldBack(t *testing.T) {
	s := open(t, fresh(server(t), "native"))
	keys := make([]string, 150)
	for i := range keys {
		keys[i] = fmt.Sprintf("session:%03d", i)
		if i%10 == 0 {
			if _, err := s.Save(t.Context(), keys[i], store.Record{}, record(keys[i], inAnHour())); err != nil {
				t.Fatal(err)
			}
		}
	}
	c := &sparing{Client: s.client.Client, answers: []int{30, 0, 50}}
	s.client.Client = c
	records, err := s.LoadAll(t.Context(), append(keys, keys...)) // each twice, which DynamoDB would refuse
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range records {
		if want := keys[i%150]; i%10 == 0 && string(r.Data) != want || i%10 > 0 && r.Exists() {
			t.Errorf("record %d is %q, want each tenth", i, r.Data)
		}
	}
	if want := []int{100, 70, 70, 20, 50}; !slices.Equal(c.asked, want) {
		t.Errorf("the server was asked for %d items, want %d", c.asked, want)
	}
}

// DynamoDB answers with 16 MiB at most, and so does dynalite.
func TestLoadAllOfMoreThanOneAnswer(t *testing.T) {
	t.Parallel() // it mostly waits
	s := open(t, fresh(server(t), "native"))
	data := strings.Repeat("x", MaxSize-10)
	keys := make([]string, 42)
	for i := range keys {
		keys[i] = fmt.Sprintf("session:%03d", i)
		if _, err := s.Save(t.Context(), keys[i], store.Record{}, record(fmt.Sprint(i, data), inAnHour())); err != nil {
			t.Fatal(err)
		}
	}
	c := &sparing{Client: s.client.Client}
	s.client.Client = c
	records, err := s.LoadAll(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range records {
		if string(r.Data) != fmt.Sprint(i, data) {
			t.Errorf("record %d is %d bytes, beginning with %.10q", i, len(r.Data), r.Data)
		}
	}
	if len(c.asked) < 2 {
		t.Errorf("one answer has %d bytes: the server has no limit, and this test shows nothing", len(keys)*MaxSize)
	}
}

// A server that holds everything back makes LoadAll fail in the end, and
// LoadAll ends with its context.
func TestLoadAllOfAServerThatHoldsEverythingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &sparing{answers: make([]int, 1000)}
		s, err := New(c, Options{})
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		_, err = s.LoadAll(t.Context(), []string{"k"})
		if !errors.Is(err, errHeldBack) || store.Advice(err) != adviseThrottled {
			t.Errorf("LoadAll = %v (%s), want an error with advice", err, store.Advice(err))
		}
		if took := time.Since(begin); took < time.Second || took > time.Minute || len(c.asked) != idleTries+1 {
			t.Errorf("LoadAll asks %d times in %v", len(c.asked), took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin = time.Now()
		if _, err := s.LoadAll(ctx, []string{"k"}); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Second || store.Advice(err) != adviseThrottled {
			t.Errorf("LoadAll = %v (%s) after %v, want %v after a second, with advice", err, store.Advice(err), time.Since(begin), context.DeadlineExceeded)
		}
	})
}

func TestLoadAllOfAnItemThatIsNoSession(t *testing.T) {
	s := open(t, fresh(server(t), "native"))
	const key = "session:damaged"
	if _, err := s.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: s.table, Item: attributes{attrKey: text(key), attrData: text("text")}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Save(t.Context(), "session:whole", store.Record{}, record("data", inAnHour())); err != nil {
		t.Fatal(err)
	}
	records, err := s.LoadAll(t.Context(), []string{"session:whole", key})
	if records != nil || err == nil || !strings.Contains(err.Error(), "not a session's") || strings.Contains(err.Error(), key) || store.Advice(err) == "" {
		t.Errorf("LoadAll = %v, %v (%s), want an error with advice", records, err, store.Advice(err))
	}
}
