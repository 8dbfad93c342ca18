// What the page did on its way into a meeting: its calls to Zoom, and what the SDK wrote to the console. For a bot's log, and
// for people who ask why a join failed.
//
// Every secret is struck out here, so that none leaves the page: of an address its host and path stay, and the names in its query;
// of an answer its status, Zoom's tracking id and Zoom's error code. Bodies are not told.

(() => {
  'use strict';

  // So many calls of one join, and so many lines of one page.
  const MOST_CALLS = 60;
  const MOST_LINES = 100;
  const LONGEST = 400;
  // Long enough to be a token; a token of only letters is none of Zoom's.
  const TOKEN = /[\w\-.~+/%=]{20,}/g;
  const ADDRESS = /\b(?:https?|wss?):\/\/[^\s"'<>)]+/g;
  // Zoom's id of the join in its own logs: in its answers, and in the query of what follows.
  const TRACKING_HEADER = 'x-zm-trackingid';
  const TRACKING_PARAMETER = 'tid';
  // Zoom's statistics say nothing of a join.
  const IRRELEVANT = /(^|\.)telemetry\.zoom\.us$|^log-/;

  const strikeTokens = (text) => text.replace(TOKEN, (word) => (/\d/.test(word) ? '…' : word));
  const strikeAddress = (text) => {
    const url = new URL(text, location.href);
    const path = url.pathname.split('/').map(strikeTokens).join('/');
    const names = [...new Set(url.searchParams.keys())].map((name) => `${strikeTokens(name)}=…`);
    return `${url.protocol}//${url.host}${path}${names.length > 0 ? `?${names.join('&')}` : ''}`;
  };

  window.watchPage = ({ say, scrub }) => {
    let calls = 0;
    // What was written to the console: the SDK repeats some lines without end.
    const lines = new Set();

    const strike = (text) => {
      let struck = '';
      let end = 0;
      const clean = scrub(String(text));
      for (const { 0: address, index } of clean.matchAll(ADDRESS)) {
        struck += strikeTokens(clean.slice(end, index)) + (URL.canParse(address) ? strikeAddress(address) : '…');
        end = index + address.length;
      }
      return (struck + strikeTokens(clean.slice(end))).slice(0, LONGEST).toWellFormed();
    };

    // Answers with what ends the call, or nothing where it is of no interest.
    const callBegins = (method, address) => {
      if (!URL.canParse(address, location.href)) return undefined;
      const url = new URL(address, location.href);
      if (url.origin === location.origin || !/^(https?|wss?):$/.test(url.protocol)) return undefined;
      if (IRRELEVANT.test(url.hostname) || calls >= MOST_CALLS) return undefined;
      calls += 1;
      const began = performance.now();
      const call = { type: 'call', method, url: scrub(strikeAddress(url)).slice(0, LONGEST) };
      const fromQuery = url.searchParams.get(TRACKING_PARAMETER);
      return (came) => {
        const tracking = came.tracking ?? fromQuery ?? undefined;
        const ms = Math.round(performance.now() - began);
        say({ ...call, ...came, ms, tracking: tracking && String(tracking).slice(0, 200) });
      };
    };

    // The code in Zoom's answer. Only of JSON that says so.
    const codeOf = (body) => {
      try {
        const answer = typeof body === 'string' ? JSON.parse(body) : body;
        const code = Number(answer?.errorCode ?? NaN);
        return Number.isFinite(code) ? code : undefined;
      } catch {
        return undefined;
      }
    };

    // --- requests --------------------------------------------------------------------------------------------

    const requests = new WeakMap();
    const { open, send } = XMLHttpRequest.prototype;
    const ended = (request) => {
      // The browser complains of headers that Zoom does not let a page read.
      const readable = request.getAllResponseHeaders().toLowerCase().includes(TRACKING_HEADER);
      const readsText = request.responseType === '' || request.responseType === 'text';
      return {
        status: request.status,
        tracking: readable ? request.getResponseHeader(TRACKING_HEADER) : undefined,
        code: codeOf(readsText ? request.responseText : request.response),
      };
    };
    XMLHttpRequest.prototype.open = function (method, address, ...rest) {
      if (!requests.has(this)) {
        // Before the SDK hears of the answer: what it makes of it is told after the call.
        this.addEventListener('readystatechange', () => {
          const known = requests.get(this);
          if (this.readyState !== XMLHttpRequest.DONE || !known.end) return;
          known.end(ended(this));
          known.end = undefined;
        });
      }
      requests.set(this, { method: String(method).toUpperCase(), address: String(address) });
      return open.call(this, method, address, ...rest);
    };
    XMLHttpRequest.prototype.send = function (...body) {
      const known = requests.get(this);
      if (known) known.end = callBegins(known.method, known.address);
      return send.apply(this, body);
    };

    const { fetch } = window;
    window.fetch = async (...request) => {
      const [target, options] = request;
      const end = callBegins(options?.method ?? target?.method ?? 'GET', String(target?.url ?? target));
      try {
        const answer = await fetch(...request);
        end?.({ status: answer.status, tracking: answer.headers.get(TRACKING_HEADER) ?? undefined });
        return answer;
      } catch (error) {
        end?.({ status: 0, error: strike(error) });
        throw error;
      }
    };

    // --- sockets ---------------------------------------------------------------------------------------------

    window.WebSocket = class extends WebSocket {
      constructor(...request) {
        super(...request);
        const end = callBegins('WEBSOCKET', String(request[0]));
        if (!end) return;
        this.addEventListener('open', () => end({ status: 101 }));
        this.addEventListener('close', ({ code, reason }) =>
          end({ status: 0, error: `closed with ${code}${reason ? `: ${strike(reason)}` : ''}` }),
        );
      }
    };

    // --- console ---------------------------------------------------------------------------------------------

    const readable = (value) => {
      if (value instanceof Error) return value.message;
      return ['string', 'number', 'boolean'].includes(typeof value) ? value : '…';
    };
    // The browser keeps what is written to the console, with all that it refers to: tokens among them. So nothing is.
    for (const level of ['debug', 'info', 'log']) console[level] = () => {};
    for (const level of ['warn', 'error']) {
      console[level] = (...values) => {
        const text = strike(values.map(readable).join(' '));
        if (lines.size >= MOST_LINES || lines.has(text)) return;
        lines.add(text);
        say({ type: 'console', level, text });
      };
    }

    return {
      // A join begins.
      begin: () => {
        calls = 0;
      },
    };
  };
})();
