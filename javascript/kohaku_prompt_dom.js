// Making elements. Texts from tag lists, presets and posts are strangers' texts: they only ever become text nodes.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const prompt = kohaku.prompt = kohaku.prompt || {pieces: []};
    const SAID_FOR = 6000;
    let saidTimer = 0;

    // make('button', {class: 'x', title: 'y', press: function}, 'text', element, ...)
    prompt.make = function(name, attributes, ...children) {
        const element = document.createElement(name);
        for (const [key, value] of Object.entries(attributes || {})) {
            if (value === null || value === undefined || value === false) continue;
            if (key === 'press') element.addEventListener('click', value);
            else element.setAttribute(key, value === true ? '' : String(value));
        }
        element.append(...children.filter((child) => child !== null && child !== undefined && child !== ''));
        return element;
    };

    prompt.button = function(text, title, press, more) {
        const attributes = Object.assign({type: 'button', title: title, press: press}, more);
        attributes.class = ('kohaku-prompt-button ' + (attributes.class || '')).trim();
        return prompt.make('button', attributes, text);
    };

    prompt.notice = function(text, kind) {
        return prompt.make('div', {class: 'kohaku-notice kohaku-' + kind, role: kind === 'error' ? 'alert' : 'status'}, text);
    };

    // Say something beside the buttons; errors stay until something else is said.
    prompt.say = function(text, kind) {
        clearTimeout(saidTimer);
        const place = prompt.element('said');
        place.replaceChildren(...(text ? [prompt.notice(text, kind || 'good')] : []));
        if (kind !== 'error' && kind !== 'warning') saidTimer = setTimeout(() => place.replaceChildren(), SAID_FOR);
    };

    prompt.count = function(posts) {
        if (!posts) return '';
        if (posts < 1000) return String(posts);
        if (posts < 1e6) return (posts / 1000).toFixed(posts < 1e4 ? 1 : 0) + 'k';
        return (posts / 1e6).toFixed(1) + 'M';
    };

    // Kinds of tags as people call them. Stable plain English: the webui translates text nodes.
    prompt.kinds = {
        count: 'People', character: 'Characters', series: 'Series', copyright: 'Series', artist: 'Artists',
        general: 'Tags', prose: 'Sentences', meta: 'Meta', quality: 'Quality', aesthetic: 'Aesthetic', rating: 'Rating',
        year: 'Year', source: 'Source', network: 'Networks', unknown: 'Other', species: 'Species', lore: 'Lore',
        profile: 'Model word'
    };

    prompt.kind = function(kind) {
        return prompt.kinds[kind] || kind;
    };

    // For texts outside of the webui's own element, which its translation does not reach.
    prompt.translated = function(text) {
        return (window.localization || {})[text] || text;
    };

    prompt.download = function(name, text, type) {
        // With the mark that spreadsheets, and the webui itself, put before a CSV in UTF-8.
        const mark = type === 'text/csv' ? '\ufeff' : '';
        const address = URL.createObjectURL(new Blob([mark, text], {type: type || 'application/json'}));
        const link = prompt.make('a', {href: address, download: name});
        link.click();
        setTimeout(() => URL.revokeObjectURL(address), 1000);
    };
})();
