// Changing the webui's own fields on a page, in one step that Undo takes back.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const prompt = kohaku.prompt = kohaku.prompt || {pieces: []};
    const accordion = kohaku.accordion = kohaku.accordion || {pieces: []};
    const NUMBERS = {width: 'width', height: 'height', cfg: 'cfg_scale', steps: 'steps'};
    const NAMES = {sampler: 'sampling', scheduler: 'scheduler'};
    const KEPT = 20;

    function field(page, id) {
        return document.querySelector('#' + page.name + '_' + id + ' :is(input[type=number], input[type=range])');
    }

    function listed(page, id) {
        const place = document.getElementById(page.name + '_' + id);
        const chosen = place && (place.querySelector('input[type=radio]:checked') || place.querySelector('input'));
        return chosen ? chosen.value : '';
    }

    function clipSkip(page) {
        const tokens = [...document.querySelectorAll('#' + page.name + '_override_settings .token')];
        const found = tokens.map((token) => /^Clip skip:\s*(\d+)/.exec(token.textContent.trim())).find(Boolean);
        return found ? Number(found[1]) : (window.opts || {}).CLIP_stop_at_last_layers || null;
    }

    function hires(page) {
        const on = document.querySelector('#txt2img_hr-checkbox input');
        if (page.name !== 'txt2img' || !on) return null;
        const number = (id) => field(page, id) ? Number(field(page, id).value) : null;
        return {enabled: on.checked, upscaler: listed(page, 'hr_upscaler'), scale: number('hr_scale'), denoising: number('denoising_strength')};
    }

    // What stands there now of all that the changes name.
    function present(page, changes) {
        const values = {};
        if (changes.prompt !== undefined) values.prompt = page.text(false);
        if (changes.negative !== undefined) values.negative = page.text(true);
        for (const [name, id] of Object.entries(NUMBERS)) {
            if (changes[name] && field(page, id)) values[name] = Number(field(page, id).value);
        }
        for (const [name, id] of Object.entries(NAMES)) if (changes[name]) values[name] = listed(page, id);
        if (changes.clip_skip) values.clip_skip = clipSkip(page);
        if (changes.hires) values.hires = hires(page);
        return values;
    }

    function put(page, values, then) {
        // The prompts as if they were typed, so that the browser's own undo knows of it.
        if (values.prompt !== undefined) prompt.text.put(page.box(false), values.prompt);
        if (values.negative !== undefined) prompt.text.put(page.box(true), values.negative);
        const settings = Object.assign({}, values);
        delete settings.prompt;
        delete settings.negative;
        if (!Object.keys(settings).length) return then({problems: [], notes: []});
        return prompt.setFields(page.name, Object.assign({settings_only: true}, settings), then);
    }

    function told(page, answer) {
        if (answer.error) return page.say(answer.error, 'error');
        const lines = answer.problems.concat(answer.notes);
        return page.say(lines.join('\n'), answer.problems.length ? 'warning' : 'good');
    }

    // What was typed since is the browser's own undo's business.
    function stands(page, values) {
        const text = (value, negative) => value === undefined || value === page.text(negative);
        return text(values.prompt, false) && text(values.negative, true);
    }

    function start(page) {
        const done = [];
        const show = function() {
            const step = done[done.length - 1];
            page.undoButton.hidden = !step || !stands(page, step.after);
            if (step) page.undoButton.textContent = 'Undo: ' + step.label;
        };
        page.apply = function(label, changes) {
            done.push({label: label, before: present(page, changes), after: changes});
            done.splice(0, done.length - KEPT);
            put(page, changes, (answer) => told(page, answer));
            show();
            page.lookSoon();
        };
        document.addEventListener('input', (event) => [page.box(false), page.box(true)].includes(event.target) && show());
        page.undo = function() {
            const step = done.pop();
            if (step) put(page, step.before, (answer) => answer.error ? told(page, answer) : page.say('Taken back: ' + step.label + '.'));
            show();
            page.lookSoon();
        };
    }

    accordion.pieces.push({start: start});
})();
