// Reports the page's calls to Zoom and the lines that the SDK writes to the console. They are stored in the bot's log, and
// help to find out why a join failed.
//
// All secrets are redacted here, so that none leaves the page. Only the host, the path and the names in the query of a URL
// are reported; of a response, only the status, Zoom's tracking id and Zoom's error code. Bodies are not reported.

(() => {
  'use strict';

  // The most calls of one join, and the most lines of one page.
  const MOST_CALLS = 60;
  const MOST_LINES = 100;
  const LONGEST = 400;
  // Words that may be a token. Words without a digit are not redacted, because Zoom's tokens contain digits.
  const TOKEN = /[\w\-.~+/%=]{20,}/g;
  const ADDRESS = /\b(?:https?|wss?):\/\/[^\s"'<>)]+/g;
  // Zoom's tracking id, which identifies the join in Zoom's logs: a header of responses, and a parameter of later requests.
  const TRACKING_HEADER = 'x-zm-trackingid';
  const TRACKING_PARAMETER = 'tid';
  // Calls for Zoom's statistics, which are irrelevant for a join.
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
    // The reported lines of the console. Each is reported once, because the SDK repeats some endlessly.
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

    // Returns a function that reports the end of the call, or nothing if the call is irrelevant.
    const callBegins = (method, address) => {
      if (!URL.canParse(address, location.href)) return undefined;
      const url = new URL(address, location.href);
      if (url.origin === location.origin || !/^(https?|wss?):$/.test(url.protocol)) return undefined;
      if (IRRELEVANT.test(url.hostname) || calls >= MOST_CALLS) return undefined;
      calls += 1;
      const began = performance.now();
      const call = { type: 'call', method, url: scrub(strikeAddress(url)).slice(0, LONGEST) };
      const fromQuery = url.searchParams.get(TRACKING_PARAMETER);
      return (result) => {
        const tracking = result.tracking ?? fromQuery ?? undefined;
        const ms = Math.round(performance.now() - began);
        say({ ...call, ...result, ms, tracking: tracking && String(tracking).slice(0, 200) });
      };
    };

    // The error code in Zoom's response, if it is JSON and has one.
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
      // Reading a header that Zoom does not expose to the page would write an error to the console.
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
        // Added before the SDK's own listener, so that the call is reported before the events that follow from it.
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
    // The browser retains everything that is written to the console, with all objects that it refers to, including tokens.
    // So nothing is written to it.
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
      // Call this when a join begins.
      begin: () => {
        calls = 0;
      },
    };
  };
})();
