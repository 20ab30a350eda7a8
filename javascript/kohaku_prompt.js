// The prompt page: what is set now, changing it so that a click can be taken back, and telling the pieces about it.
//
// Every file of the page adds a piece: {start(page), profile(profile), checks(answer), changed(values)}, all optional.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const prompt = kohaku.prompt = kohaku.prompt || {pieces: []};
    const BOXES = ['text', 'negative'];
    const NUMBERS = ['width', 'height', 'cfg', 'steps', 'clip_skip', 'hires_scale', 'hires_denoising'];
    const NAMES = ['sampler', 'scheduler', 'hires', 'hires_upscaler'];
    const CHECK_AFTER = 250;
    const KEPT = 30;
    const done = [];
    let checkTimer = 0;

    prompt.profile = null;
    prompt.opened = null;

    prompt.element = function(name) {
        return document.getElementById('kohaku_prompt_' + name);
    };

    prompt.tell = function(event, data) {
        for (const piece of prompt.pieces) {
            if (piece[event]) piece[event](data);
        }
    };

    prompt.fields = {boxes: BOXES, numbers: NUMBERS, names: NAMES};

    // Everything that makes a picture, as the page has it now. Numbers that are empty are null, names that are empty
    // are empty: leave them as they are.
    prompt.values = function() {
        const values = {};
        for (const name of BOXES) values[name] = prompt.element(name).value;
        for (const name of NUMBERS) {
            const text = prompt.element(name).value;
            values[name] = text === '' || !Number.isFinite(Number(text)) ? null : Number(text);
        }
        for (const name of NAMES) values[name] = prompt.element(name).value.trim();
        return values;
    };

    // Parameters of most questions.
    prompt.asked = function(more) {
        const profile = prompt.profile ? prompt.profile.id : '';
        return Object.assign({prompt: prompt.element('text').value, profile: profile}, more);
    };

    // Change some values at once, as one step that Undo takes back.
    prompt.apply = function(changes, label) {
        const before = prompt.values();
        set(changes);
        const after = prompt.values();
        if (JSON.stringify(before) === JSON.stringify(after)) return false;
        done.push({label: label, before: before, after: after});
        done.splice(0, done.length - KEPT);
        changed();
        return true;
    };

    // Change the prompt to what was made of an earlier text; not if it was changed while the answer was on its way.
    prompt.applyTo = function(text, changes, label) {
        if (prompt.element('text').value === text) return prompt.apply(changes, label);
        prompt.say('The prompt was changed meanwhile, so nothing was done; try again.', 'warning');
        return false;
    };

    prompt.undo = function() {
        const step = done.pop();
        if (!step) return;
        set(changedBy(step));
        changed();
        prompt.say('Taken back: ' + step.label + '.', 'good');
    };

    // What a step changed and nobody has changed since, as it was before.
    function changedBy(step) {
        const values = prompt.values();
        const still = (name) => step.before[name] !== step.after[name] && values[name] === step.after[name];
        return Object.fromEntries(Object.entries(step.before).filter(([name]) => still(name)));
    }

    function set(changes) {
        for (const name of BOXES) {
            if (typeof changes[name] === 'string') prompt.text.put(prompt.element(name), changes[name]);
        }
        for (const name of NUMBERS) {
            if (changes[name] === undefined) continue;
            prompt.element(name).value = changes[name] === null ? '' : String(changes[name]);
        }
        for (const name of NAMES) {
            if (typeof changes[name] === 'string') prompt.element(name).value = changes[name];
        }
    }

    // Undo may only take back what still stands: what was typed since is the browser's own undo's business.
    function showUndo() {
        const button = prompt.element('undo');
        const step = done[done.length - 1];
        const values = prompt.values();
        button.hidden = !step || BOXES.some((name) => values[name] !== step.after[name]);
        if (step) button.textContent = 'Undo: ' + step.label;
    }

    function changed() {
        showUndo();
        prompt.tell('changed', prompt.values());
        prompt.checkSoon();
    }

    prompt.checkSoon = function() {
        clearTimeout(checkTimer);
        checkTimer = setTimeout(check, CHECK_AFTER);
    };

    function check() {
        if (!prompt.profile) return;
        const values = prompt.values();
        const rows = prompt.element('parts_section').open;
        const question = Object.assign(prompt.asked({negative: values.negative, rows: rows}), prompt.settings());
        prompt.ask('check', question, 'check').then(function(answer) {
            answer.for = {text: question.prompt, negative: question.negative};
            prompt.tell('checks', answer);
        }).catch(prompt.failed);
    }

    prompt.onClick = function(name, action) {
        prompt.element(name).addEventListener('click', action);
    };

    prompt.started = function(page) {
        page.addEventListener('input', function(event) {
            if (BOXES.concat(NUMBERS, NAMES).some((name) => event.target === prompt.element(name))) changed();
        });
        prompt.onClick('undo', prompt.undo);
        prompt.onClick('clear', () => prompt.apply({text: '', negative: ''}, 'clear'));
        for (const piece of prompt.pieces) {
            if (piece.start) piece.start(page);
        }
        showUndo();
    };
})();
