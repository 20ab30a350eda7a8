// Where the prompt goes: the clipboard, and txt2img or img2img where there are such.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const prompt = kohaku.prompt = kohaku.prompt || {pieces: []};
    const TARGETS = ['txt2img', 'img2img'];
    const PATIENCE = 10000;
    const SILENT = 'The server does not answer; nothing was sent.';
    let pending = null;
    let timer = 0;

    function goButton(target) {
        return prompt.element(target + '_go');
    }

    // The tabs can be in any order: look for the title, then for the place.
    function show(target) {
        const buttons = [...document.querySelectorAll('#tabs > .tab-nav button, #tabs > .tab-wrapper button')];
        const button = buttons.find((item) => item.textContent.trim() === target);
        if (button) button.click();
        else if (typeof window['switch_to_' + target] === 'function') window['switch_to_' + target]();
    }

    prompt.canSend = function(target) {
        return goButton(target) !== null;
    };

    // Sets what is given and leaves every other field alone: null and empty names mean "as it is".
    prompt.send = function(target, settingsOnly) {
        if (!TARGETS.includes(target) || !prompt.canSend(target)) {
            prompt.say('There is no ' + target + ' here.', 'error');
            return false;
        }
        const values = prompt.values();
        pending = {target: target, values: Object.assign(prompt.settings(), {
            method: 'send', text: values.text, negative: values.negative, settings_only: settingsOnly === true
        })};
        clearTimeout(timer);
        timer = setTimeout(() => prompt.say(SILENT, 'error'), PATIENCE);
        goButton(target).click();
        return true;
    };

    // Sets what is given and tells what became of it; for others than this page.
    prompt.setFields = function(target, values, then) {
        pending = {target: target, values: Object.assign({method: 'send'}, values), then: then};
        clearTimeout(timer);
        timer = setTimeout(() => then({error: SILENT}), PATIENCE);
        if (prompt.canSend(target)) goButton(target).click();
        else prompt.sent(JSON.stringify({error: 'There is no ' + target + ' here.'}));
    };

    // Called by the event: its first value is what is sent, the others are those of the webui's fields.
    prompt.sending = function(first, ...rest) {
        return [JSON.stringify(pending ? pending.values : {}), ...rest];
    };

    // Called when the fields are set.
    prompt.sent = function(text) {
        clearTimeout(timer);
        const answer = kohaku.parse(text, {error: SILENT});
        const target = pending ? pending.target : '';
        const then = pending ? pending.then : null;
        pending = null;
        if (then) {
            then(answer);
            return [];
        }
        if (answer.error) {
            prompt.say(answer.error, 'error');
            return [];
        }
        const recount = window['recalculate_prompts_' + target];
        if (typeof recount === 'function') recount();
        const lines = answer.problems.concat(answer.notes);
        if (answer.problems.length) {
            prompt.say(lines.join('\n') + '\n', 'warning');
            prompt.element('said').firstChild.append(prompt.button('Go to ' + target, 'Everything else was set',
                () => show(target), {class: 'kohaku-prompt-fix'}));
        } else {
            prompt.say(lines.join('\n'), 'good');
            show(target);
        }
        return [];
    };

    prompt.copy = async function(text, what) {
        try {
            await navigator.clipboard.writeText(text);
        } catch (error) {
            // Without https there is no clipboard but the old one.
            const field = prompt.make('textarea', {class: 'kohaku-prompt-clip'});
            field.value = text;
            prompt.element('said').parentElement.append(field);
            field.select();
            document.execCommand('copy');
            field.remove();
        }
        prompt.say(what + ' is on the clipboard.', 'good');
    };

    // The text on the clipboard; null, with the field in focus, where the browser does not let a page read it.
    prompt.pasted = async function(name) {
        try {
            const text = await navigator.clipboard.readText();
            if (text.trim()) return text;
            prompt.say('There is no text on the clipboard.', 'warning');
        } catch (error) {
            prompt.element(name).focus();
            prompt.say('The browser does not let this page read the clipboard; press Ctrl+V in the field.', 'warning');
        }
        return null;
    };

    prompt.pieces.push({
        start: function() {
            for (const target of TARGETS) prompt.onClick('send_' + target, () => prompt.send(target));
            prompt.onClick('send_settings', () => prompt.send('txt2img', true));
            prompt.onClick('copy', () => prompt.copy(prompt.element('text').value, 'The prompt'));
            prompt.onClick('copy_negative', () => prompt.copy(prompt.element('negative').value, 'The negative prompt'));
        },
        profile: function() {
            for (const target of TARGETS) prompt.element('send_' + target).hidden = !prompt.canSend(target);
            prompt.element('send_settings').hidden = !prompt.canSend('txt2img');
            prompt.element('copy').classList.toggle('kohaku-prompt-primary', !prompt.canSend('txt2img'));
        }
    });
})();
