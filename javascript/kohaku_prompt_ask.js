// Asking the server. A newer question on a channel makes the older one void, so that no stale answer is ever shown.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const prompt = kohaku.prompt = kohaku.prompt || {pieces: []};
    const SILENT = 'The server does not answer. Is it still running? Your prompt stays here.';
    const waiting = {};

    // gradio answers events that have a name under that name; relative to the page, whatever stands in front of it.
    function address() {
        const prefix = (window.gradio_config || {}).api_prefix || '';
        return window.location.pathname.replace(/\/?$/, '') + prefix + '/run/kohaku_prompt';
    }

    async function send(method, parameters, signal) {
        const text = JSON.stringify(Object.assign({}, parameters, {method: method}));
        const response = await fetch(address(), {
            method: 'POST',
            credentials: 'same-origin',
            headers: {'Content-Type': 'application/json'},
            body: JSON.stringify({data: [text]}),
            signal: signal
        });
        if (!response.ok) throw new Error(SILENT);
        let answer = null;
        try {
            answer = JSON.parse((await response.json()).data[0]);
        } catch (error) {
            throw error.name === 'AbortError' ? error : new Error(SILENT);  // a login page, or a proxy's excuse
        }
        if (answer.error) throw new Error(answer.error);
        return answer;
    }

    prompt.ask = function(method, parameters, channel) {
        const controller = new AbortController();
        if (channel) {
            if (waiting[channel]) waiting[channel].abort();
            waiting[channel] = controller;
        }
        return send(method, parameters || {}, controller.signal);
    };

    prompt.forget = function(channel) {
        if (waiting[channel]) waiting[channel].abort();
    };

    // For the end of every chain: what was made void is nobody's error.
    prompt.failed = function(error) {
        if (error.name === 'AbortError') return;
        const lost = error instanceof TypeError;
        prompt.say(lost ? SILENT : error.message, 'error');
    };
})();
