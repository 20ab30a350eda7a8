// Where the prompt goes: the clipboard, and txt2img or img2img where there are such.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const prompt = kohaku.prompt = kohaku.prompt || {pieces: []};
    const TARGETS = ['txt2img', 'img2img'];
    const PLACES = {text: '_prompt', negative: '_neg_prompt', width: '_width', height: '_height', cfg: '_cfg_scale', steps: '_steps'};

    // The webui's own function where there is one: without it Python never hears of the change.
    function update(field, value) {
        field.value = value;
        if (typeof window.updateInput === 'function') window.updateInput(field);
        else field.dispatchEvent(new Event('input', {bubbles: true}));
    }

    function fieldOf(id) {
        return document.querySelector('#' + id + ' textarea, #' + id + ' input[type=number], #' + id + ' input[type=range]');
    }

    // The tabs can be in any order: look for the title, then for the place.
    function show(target) {
        const buttons = [...document.querySelectorAll('#tabs > .tab-nav button, #tabs > .tab-wrapper button')];
        const button = buttons.find((item) => item.textContent.trim() === target);
        if (button) button.click();
        else if (typeof window['switch_to_' + target] === 'function') window['switch_to_' + target]();
    }

    prompt.canSend = function(target) {
        return fieldOf(target + '_prompt') !== null;
    };

    // Sets what is given and leaves every other field alone: null and undefined mean "as it is".
    prompt.send = function(target, values) {
        if (!TARGETS.includes(target) || !prompt.canSend(target)) {
            prompt.say('There is no ' + target + ' here.', 'error');
            return false;
        }
        for (const [name, place] of Object.entries(PLACES)) {
            const value = values[name];
            const field = value === null || value === undefined ? null : fieldOf(target + place);
            if (field) update(field, value);
        }
        show(target);
        return true;
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

    prompt.pieces.push({
        start: function() {
            for (const target of TARGETS) prompt.onClick('send_' + target, () => prompt.send(target, prompt.values()));
            prompt.onClick('copy', () => prompt.copy(prompt.element('text').value, 'The prompt'));
            prompt.onClick('copy_negative', () => prompt.copy(prompt.element('negative').value, 'The negative prompt'));
        },
        profile: function() {
            const able = prompt.opened.host.can_generate;
            for (const target of TARGETS) prompt.element('send_' + target).hidden = !able || !prompt.canSend(target);
            const main = prompt.element('copy');
            main.classList.toggle('kohaku-prompt-primary', !able);
        }
    });
})();
