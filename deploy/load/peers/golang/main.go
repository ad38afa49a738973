// fanout hub|direct|sse PORT: rooms as people write them in Go.
//
// hub is the chat example of gorilla/websocket with rooms: two goroutines and a queue for each
// client, several queued messages in one frame. direct encodes a message once and writes it to
// each client under a lock. sse is net/http with a goroutine and a queue for each client.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	writeWait  = 10 * time.Second
	pongWait   = 60 * time.Second
	pingPeriod = pongWait * 9 / 10
)

var upgrader = websocket.Upgrader{
	ReadBufferSize:  1024,
	WriteBufferSize: 1024,
	CheckOrigin:     func(*http.Request) bool { return true },
}

type envelope struct {
	Join string `json:"join"`
	Room string `json:"room"`
}

type client struct {
	conn *websocket.Conn
	send chan []byte
	room string
}

type message struct {
	room string
	data []byte
}

type hub struct {
	join    chan *client
	leave   chan *client
	publish chan message
	rooms   map[string]map[*client]bool
}

func newHub() *hub {
	h := &hub{make(chan *client), make(chan *client), make(chan message), map[string]map[*client]bool{}}
	go h.run()
	return h
}

func (h *hub) run() {
	for {
		select {
		case c := <-h.join:
			if h.rooms[c.room] == nil {
				h.rooms[c.room] = map[*client]bool{}
			}
			h.rooms[c.room][c] = true
		case c := <-h.leave:
			h.remove(c)
		case m := <-h.publish:
			for c := range h.rooms[m.room] {
				select {
				case c.send <- m.data:
				default:
					h.remove(c)
				}
			}
		}
	}
}

func (h *hub) remove(c *client) {
	if h.rooms[c.room][c] {
		delete(h.rooms[c.room], c)
		close(c.send)
	}
}

func (h *hub) serve(w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	c := &client{conn: conn, send: make(chan []byte, 256)}
	go c.writePump()
	defer func() { h.leave <- c; conn.Close() }()
	conn.SetReadDeadline(time.Now().Add(pongWait))
	conn.SetPongHandler(func(string) error { return conn.SetReadDeadline(time.Now().Add(pongWait)) })
	for {
		_, data, err := conn.ReadMessage()
		var e envelope
		if err != nil || json.Unmarshal(data, &e) != nil {
			return
		}
		if e.Join != "" {
			c.room = e.Join
			h.join <- c
		} else {
			h.publish <- message{e.Room, data}
			conn.SetReadDeadline(time.Now().Add(pongWait))
		}
	}
}

func (c *client) writePump() {
	ticker := time.NewTicker(pingPeriod)
	defer func() { ticker.Stop(); c.conn.Close() }()
	for {
		select {
		case data, ok := <-c.send:
			c.conn.SetWriteDeadline(time.Now().Add(writeWait))
			if !ok {
				c.conn.WriteMessage(websocket.CloseMessage, []byte{})
				return
			}
			w, err := c.conn.NextWriter(websocket.TextMessage)
			if err != nil {
				return
			}
			w.Write(data)
			for n := len(c.send); n > 0; n-- {
				w.Write([]byte{'\n'})
				w.Write(<-c.send)
			}
			if w.Close() != nil {
				return
			}
		case <-ticker.C:
			c.conn.SetWriteDeadline(time.Now().Add(writeWait))
			if c.conn.WriteMessage(websocket.PingMessage, nil) != nil {
				return
			}
		}
	}
}

type direct struct {
	sync.Mutex
	rooms map[string]map[*websocket.Conn]bool
}

func (d *direct) serve(w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	room := ""
	defer func() {
		d.Lock()
		delete(d.rooms[room], conn)
		d.Unlock()
		conn.Close()
	}()
	for {
		_, data, err := conn.ReadMessage()
		var e envelope
		if err != nil || json.Unmarshal(data, &e) != nil {
			return
		}
		d.Lock()
		if e.Join != "" {
			room = e.Join
			if d.rooms[room] == nil {
				d.rooms[room] = map[*websocket.Conn]bool{}
			}
			d.rooms[room][conn] = true
		} else if prepared, err := websocket.NewPreparedMessage(websocket.TextMessage, data); err == nil {
			for member := range d.rooms[e.Room] {
				member.WritePreparedMessage(prepared)
			}
		}
		d.Unlock()
	}
}

type streams struct {
	sync.RWMutex
	rooms map[string]map[chan []byte]bool
}

func (s *streams) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		s.publish(w, r)
		return
	}
	room, events := r.URL.Query().Get("room"), make(chan []byte, 256)
	s.Lock()
	if s.rooms[room] == nil {
		s.rooms[room] = map[chan []byte]bool{}
	}
	s.rooms[room][events] = true
	s.Unlock()
	defer func() { s.Lock(); delete(s.rooms[room], events); s.Unlock() }()
	flusher := w.(http.Flusher)
	w.Header().Set("Content-Type", "text/event-stream")
	io.WriteString(w, "data: connected\n\n")
	flusher.Flush()
	for {
		select {
		case event := <-events:
			w.Write(event)
			flusher.Flush()
		case <-r.Context().Done():
			return
		}
	}
}

func (s *streams) publish(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var e envelope
	json.Unmarshal(body, &e)
	event := []byte(fmt.Sprintf("event: message\ndata: %s\n\n", body))
	s.RLock()
	for events := range s.rooms[e.Room] {
		select {
		case events <- event:
		default:
		}
	}
	s.RUnlock()
	w.WriteHeader(http.StatusNoContent)
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("fanout hub|direct|sse PORT")
	}
	kinds := map[string]http.HandlerFunc{
		"hub":    newHub().serve,
		"direct": (&direct{rooms: map[string]map[*websocket.Conn]bool{}}).serve,
		"sse":    (&streams{rooms: map[string]map[chan []byte]bool{}}).serve,
	}
	http.HandleFunc("/", kinds[os.Args[1]])
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[2], nil))
}
